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
        "operators": (
            "keras.src.ops.math.Erf keras.src.ops.nn.Celu keras.src.ops.nn.Elu keras.src.ops.nn.Gelu "
            "keras.src.ops.nn.Glu keras.src.ops.nn.HardShrink keras.src.ops.nn.HardSigmoid "
            "keras.src.ops.nn.HardSilu keras.src.ops.nn.HardTanh keras.src.ops.nn.LeakyRelu "
            "keras.src.ops.nn.LogSigmoid keras.src.ops.nn.LogSoftmax keras.src.ops.nn.Relu "
            "keras.src.ops.nn.Relu6 keras.src.ops.nn.Selu keras.src.ops.nn.Sigmoid keras.src.ops.nn.Silu "
            "keras.src.ops.nn.SoftShrink keras.src.ops.nn.Softmax keras.src.ops.nn.Softplus "
            "keras.src.ops.nn.Softsign keras.src.ops.nn.SparsePlus keras.src.ops.nn.SparseSigmoid "
            "keras.src.ops.nn.Squareplus keras.src.ops.nn.TanhShrink keras.src.ops.nn.Threshold "
            "keras.src.ops.numpy.Absolute keras.src.ops.numpy.Clip keras.src.ops.numpy.Concatenate "
            "keras.src.ops.numpy.Cos keras.src.ops.numpy.Divide keras.src.ops.numpy.Exp "
            "keras.src.ops.numpy.ExpandDims keras.src.ops.numpy.Flip keras.src.ops.numpy.GetItem "
            "keras.src.ops.numpy.Log keras.src.ops.numpy.Matmul keras.src.ops.numpy.Max "
            "keras.src.ops.numpy.Maximum keras.src.ops.numpy.Mean keras.src.ops.numpy.Min "
            "keras.src.ops.numpy.Minimum keras.src.ops.numpy.Pad keras.src.ops.numpy.Power "
            "keras.src.ops.numpy.Reciprocal keras.src.ops.numpy.Reshape keras.src.ops.numpy.Sin "
            "keras.src.ops.numpy.Sqrt keras.src.ops.numpy.Squeeze keras.src.ops.numpy.Stack "
            "keras.src.ops.numpy.Sum keras.src.ops.numpy.Tanh keras.src.ops.numpy.Transpose "
            "keras.src.ops.numpy.TrueDivide"
        ),
        "preprocessing": "CategoryEncoding Discretization",
        "applications": (
            "keras.src.applications.convnext.LayerScale keras.src.applications.convnext.StochasticDepth "
            "keras.src.applications.inception_resnet_v2.CustomScaleLayer"
        ),
        "recurrent": (
            "Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D GRU GRUCell LSTM LSTMCell RNN Sequential SimpleRNN "
            "SimpleRNNCell StackedRNNCells TimeDistributed"
        ),
        "attention": "AdditiveAttention Attention GroupQueryAttention GroupedQueryAttention MultiHeadAttention",
    },
)
