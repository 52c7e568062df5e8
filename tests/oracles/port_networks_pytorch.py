"""Networks as modules of PyTorch: those of the same name compute what the models of Keras and Flax do."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_1 = nn.Conv2d(2, 5, (3, 2))
        self.conv_2 = nn.Conv2d(5, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6, eps=1e-3)
        self.fc_1 = nn.Linear(72, 7)
        self.fc_2 = nn.Linear(7, 3)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv_1(x)), 2)
        x = functional.relu(self.norm(self.conv_2(x)))
        x = torch.tanh(self.fc_1(torch.flatten(x, 1)))
        return torch.softmax(self.fc_2(x), -1)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2, bias=False)
        self.stem_norm = nn.BatchNorm2d(6, eps=1e-3)
        self.block_conv_1 = nn.Conv2d(6, 8, 3, stride=2)
        self.block_norm_1 = nn.BatchNorm2d(8, eps=1e-3)
        self.block_conv_2 = nn.Conv2d(8, 8, 3, padding=1)
        self.block_shortcut = nn.Conv2d(6, 8, 1, stride=2)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = functional.relu6(self.stem_norm(self.stem(functional.pad(x, (1, 1, 0, 1)))))
        y = functional.relu(self.block_norm_1(self.block_conv_1(functional.pad(x, (0, 1, 1, 1)))))
        x = functional.relu(self.block_conv_2(y) + self.block_shortcut(x))
        return self.head(x.mean((2, 3)))


class Depthwise(nn.Module):
    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.pointwise = nn.Conv2d(4, 6, 1)
        self.grouped = nn.Conv2d(6, 9, (2, 3), groups=3)
        self.dilated = nn.Conv2d(9, 5, 3, dilation=2)

    def forward(self, x):
        x = functional.relu(self.pointwise(self.depthwise(x)))
        return torch.sigmoid(self.dilated(self.grouped(x)))


class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down_1 = nn.Conv2d(2, 4, 3, padding=1)
        self.down_2 = nn.Conv2d(4, 6, 3, padding=1)
        self.bottom = nn.Conv2d(6, 7, 3, padding=1)
        self.up_1 = nn.ConvTranspose2d(7, 5, 2, stride=2)
        self.merge_1 = nn.Conv2d(11, 6, 3, padding=1)
        self.merge_2 = nn.Conv2d(10, 4, 3, padding=1)
        self.head = nn.Conv2d(4, 1, 1)

    def forward(self, x):
        a = functional.relu(self.down_1(x))
        b = functional.relu(self.down_2(functional.max_pool2d(a, 2)))
        c = functional.relu(self.bottom(functional.avg_pool2d(b, 2)))
        x = functional.relu(self.merge_1(torch.cat([b, self.up_1(c)], 1)))
        x = self.merge_2(torch.cat([a, functional.interpolate(x, scale_factor=2.0, mode="nearest")], 1))
        return torch.sigmoid(self.head(x))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 5)
        self.first = nn.LSTM(5, 6, batch_first=True)
        self.second = nn.LSTM(6, 4, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(8, eps=1e-3)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x, _ = self.first(self.embedding(x))
        x, _ = self.second(x)
        return self.head(self.norm(x))


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 5)
        self.recurrent = nn.GRU(5, 6, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x, _ = self.recurrent(self.embedding(x))
        return self.head(x[:, -1])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)
        self.norm_1 = nn.LayerNorm(12)
        self.mlp_1 = nn.Linear(12, 20)
        self.mlp_2 = nn.Linear(20, 12)
        self.norm_2 = nn.LayerNorm(12)
        self.head = nn.Linear(12, 2)

    def forward(self, x):
        y, _ = self.attention(x, x, x, need_weights=False)
        x = self.norm_1(x + y)
        x = self.norm_2(x + self.mlp_2(functional.gelu(self.mlp_1(x))))
        return self.head(x)


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.dense = nn.Linear(4, 5)
        self.head = nn.Linear(10, 2)

    def one(self, x):
        return functional.relu(self.dense(functional.relu(self.conv(x)).amax((2, 3))))

    def forward(self, first, second):
        return self.head(torch.cat([self.one(first), self.one(second)], 1))


class Block(nn.Module):
    """The block of a ResNet, as it is often written."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.blocks = nn.Sequential(Block(4, 6, 1), Block(6, 8, 2))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 5), nn.Hardswish(), nn.Linear(5, 2))

    def forward(self, x):
        return self.head(self.pool(self.blocks(self.features(x))))


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.narrow = nn.Conv2d(3, 3, 1)
        self.wide = nn.Sequential(nn.Conv2d(3, 2, 1), nn.SiLU(), nn.Conv2d(2, 4, (3, 5), padding=(1, 2)))
        self.pooled = nn.Sequential(nn.AvgPool2d(3, 1, 1), nn.Conv2d(3, 2, 1))
        self.squeeze = nn.Linear(9, 4)
        self.excite = nn.Linear(4, 9)
        self.norm = nn.GroupNorm(3, 9)
        self.slope = nn.PReLU(9)
        self.head = nn.Linear(9, 3)

    def forward(self, x):
        x = torch.cat([functional.leaky_relu(self.narrow(x), 0.1), self.wide(x), self.pooled(x)], 1)
        scale = torch.sigmoid(self.excite(functional.relu(self.squeeze(x.mean((2, 3))))))
        x = self.slope(self.norm(x * scale[:, :, None, None]))
        return self.head(x.flatten(2).mean(-1)), x


class Transposed(nn.Module):
    """Transposed convolutions with paddings on the one and on both sides, in groups."""

    def __init__(self):
        super().__init__()
        self.one = nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1)
        self.two = nn.ConvTranspose2d(4, 5, (3, 2), stride=(1, 2), bias=False)
        self.three = nn.Conv2d(5, 10, 3, stride=2, padding=1, groups=5)
        self.four = nn.Conv2d(10, 2, 1)

    def forward(self, x):
        x = functional.elu(self.two(functional.relu(self.one(x))))
        return self.four(self.three(x))


class Deep(nn.Module):
    """Recurrent layers above each other, in both directions, and the states that they end with."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 5, 3, padding=2, dilation=2)
        self.norm = nn.BatchNorm1d(5)
        self.rnn = nn.LSTM(5, 4, num_layers=2, bidirectional=True, batch_first=True, dropout=0.1)
        self.gru = nn.GRU(8, 6, batch_first=True)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        x = functional.gelu(self.norm(self.conv(x)), approximate="tanh")
        x, _ = self.rnn(x.transpose(1, 2))
        _, h = self.gru(x)
        return self.head(h[-1])


class Encoder(nn.Module):
    """PyTorch's own encoder, between an embedding with positions and the mean."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(11, 12)
        self.positions = nn.Parameter(torch.zeros(1, 7, 12))
        layer = nn.TransformerEncoderLayer(12, 3, 20, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.encoder(self.tokens(x) + self.positions).mean(1))


NETWORKS = {
    made.__name__.lower(): made
    for made in (
        Cnn,
        Residual,
        Depthwise,
        Unet,
        Lstm,
        Gru,
        Transformer,
        Shared,
        Nested,
        Branches,
        Transposed,
        Deep,
        Encoder,
    )
}
INPUTS = {
    "cnn": ((2, 11, 7),),
    "residual": ((3, 10, 7),),
    "depthwise": ((4, 9, 8),),
    "unet": ((2, 8, 12),),
    "lstm": (11, (7,)),
    "gru": (11, (7,)),
    "transformer": ((7, 12),),
    "shared": ((3, 8, 7), (3, 8, 7)),
    "nested": ((3, 13, 11),),
    "branches": ((3, 9, 8),),
    "transposed": ((3, 5, 4),),
    "deep": ((3, 9),),
    "encoder": (11, (7,)),
}
"""The shapes of the inputs without the batch; indices where the number of rows of the table comes before."""
