"""Which module of Keras's table knows which class."""

from __future__ import annotations

from weightwise.conventions.wings import Wings

WINGS = Wings(
    "weightwise.conventions.keras",
    {
        "dense": "Dense EinsumDense Embedding ReversibleEmbedding",
        "reshaping": (
            "ActivityRegularization AlphaDropout AugMix CutMix Dropout Equalization Flatten GaussianDropout "
            "GaussianNoise Identity InputLayer Masking MixUp Permute RandAugment RandomBrightness "
            "RandomColorDegeneration RandomColorJitter RandomContrast RandomElasticTransform RandomErasing RandomFlip "
            "RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization "
            "RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom RepeatVector "
            "Reshape Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D"
        ),
        "merging": (
            "Add Average Concatenate Dot Maximum Minimum Multiply Subtract keras.src.ops.numpy.Add "
            "keras.src.ops.numpy.Multiply keras.src.ops.numpy.Subtract"
        ),
        "activations": "Activation ELU LeakyReLU PReLU ReLU Softmax",
        "normalization": (
            "BatchNormalization GroupNormalization LayerNormalization Normalization RMSNormalization "
            "SpectralNormalization UnitNormalization"
        ),
        "convolution": (
            "Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose DepthwiseConv1D DepthwiseConv2D "
            "SeparableConv1D SeparableConv2D"
        ),
        "pooling": (
            "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
            "AdaptiveMaxPooling2D AdaptiveMaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D "
            "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D "
            "GlobalMaxPooling2D GlobalMaxPooling3D MaxPooling1D MaxPooling2D MaxPooling3D"
        ),
        "spatial": (
            "CenterCrop Cropping1D Cropping2D Cropping3D Rescaling Resizing UpSampling1D UpSampling2D UpSampling3D "
            "ZeroPadding1D ZeroPadding2D ZeroPadding3D"
        ),
        "preprocessing": "CategoryEncoding Discretization",
        "recurrent": (
            "Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D GRU GRUCell LSTM LSTMCell RNN Sequential SimpleRNN "
            "SimpleRNNCell StackedRNNCells TimeDistributed"
        ),
        "attention": "AdditiveAttention Attention GroupQueryAttention GroupedQueryAttention MultiHeadAttention",
    },
)
