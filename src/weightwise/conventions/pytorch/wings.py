"""Which module of PyTorch's table knows which class."""

from __future__ import annotations

from weightwise.conventions.wings import Wings

WINGS = Wings(
    "weightwise.conventions.pytorch",
    {
        "dense": "Bilinear Embedding EmbeddingBag Linear NonDynamicallyQuantizableLinear",
        "convolution": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d",
        "normalization": (
            "BatchNorm1d BatchNorm2d BatchNorm3d GroupNorm InstanceNorm1d InstanceNorm2d InstanceNorm3d "
            "LayerNorm RMSNorm SyncBatchNorm"
        ),
        "activations": (
            "CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax "
            "Mish PReLU RReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmax2d Softplus Softshrink Softsign "
            "Tanh Tanhshrink Threshold"
        ),
        "pooling": (
            "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d "
            "AdaptiveMaxPool3d AvgPool1d AvgPool2d AvgPool3d MaxPool1d MaxPool2d MaxPool3d"
        ),
        "reshaping": (
            "AlphaDropout ChannelShuffle Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout Flatten "
            "Identity PixelShuffle PixelUnshuffle Unflatten"
        ),
        "spatial": (
            "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d "
            "ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d "
            "ReplicationPad3d Upsample UpsamplingBilinear2d UpsamplingNearest2d ZeroPad1d ZeroPad2d "
            "ZeroPad3d"
        ),
        "recurrent": "GRU GRUCell GRU_l LSTM LSTMCell LSTM_l RNN RNNCell RNN_l",
        "attention": "MultiheadAttention",
        "functions": (
            "abs add amax amin bmm cat chunk clamp cos div erf exp flip log matmul maximum mean minimum mul neg "
            "permute pow reciprocal reshape rsqrt rsub scaled_dot_product_attention select sin slice split sqrt "
            "square squeeze stack sub sum transpose unbind unsqueeze"
        ),
    },
)
