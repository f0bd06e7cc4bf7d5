# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The zoo's models of pictures: classifiers, segmentation, vision transformers.

from functools import partial

from zooGraph import RES, STAT, model

# -- convolutional classifiers ----------------------------------------------------------------------------------

def classifier(g, x, leaf, c, n=1000):
    """Global average pool, flatten, Gemm. The gain makes up for the variance that pooling takes away."""
    x = g.op('Flatten', g.op('GlobalAveragePool', x), axis=1)
    g.output('output', g.gemm(x, leaf, c, n, 4.), [g.B, n])

def pixels(g, c=3):
    return g.input('input', [g.B, c, g.size, g.size])

def resnet(g, block, depths):
    x = g.maxpool(g.relu(g.conv(pixels(g), 'conv1', 3, 64, 7, 2, 3, bn='bn1')), 3, 2, 1)
    cin, wide = 64, 4 if block == 'bottleneck' else 1
    for stage, depth in enumerate(depths):
        c = 64 << stage
        for i in range(depth):
            s = 2 if stage and not i else 1
            with g.at(f'layer{stage + 1}'), g.at(str(i)):
                y, d, convs = x, cin, [(c, 3, s), (c, 3, 1)] if wide == 1 else [(c, 1, 1), (c, 3, s), (4 * c, 1, 1)]
                for j, (e, k, t) in enumerate(convs, 1):
                    y = g.conv(y, f'conv{j}', d, e, k, t, k // 2, bn=f'bn{j}', gain=1. if j < len(convs) else RES)
                    y, d = g.relu(y) if j < len(convs) else y, e
                if s > 1 or cin != d:
                    x = g.conv(x, 'downsample.0', cin, d, 1, s, bn='downsample.1')
                x, cin = g.relu(g.op('Add', y, x)), d
    classifier(g, x, 'fc', cin)

model(11_689_512, 'torchvision', 'resnet18', size=224)(partial(resnet, block='basic', depths=(2, 2, 2, 2)))
model(25_557_032, 'torchvision, v1.5', 'resnet50', size=224)(partial(resnet, block='bottleneck', depths=(3, 4, 6, 3)))

@model(3_504_872, 'torchvision; ReLU6 as Clip', size=224)
def mobilenet_v2(g):
    def relu6(x): return g.op('Clip', x, g.f(0), g.f(6))

    with g.at('features'):
        x, cin, at = relu6(g.conv(pixels(g), '0.0', 3, 32, 3, 2, 1, bn='0.1')), 32, 1
        for t, c, n, s in (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1):
            for i in range(n):
                y, e, k = x, cin * t, int(t > 1)
                with g.at(str(at)), g.at('conv'):
                    if k:
                        y = relu6(g.conv(y, '0.0', cin, e, 1, bn='0.1'))
                    y = relu6(g.conv(y, f'{k}.0', e, e, 3, 1 if i else s, 1, groups=e, bn=f'{k}.1'))
                    y = g.conv(y, str(k + 1), e, c, 1, bn=str(k + 2), gain=RES if i else 1.)
                    x = g.op('Add', x, y) if i else y
                cin, at = c, at + 1
        x = relu6(g.conv(x, f'{at}.0', cin, 1280, 1, bn=f'{at}.1'))
    classifier(g, x, 'classifier.1', 1280)

@model(5_288_548, 'torchvision; SiLU, squeeze-and-excitation', size=224)
def efficientnet_b0(g):
    def cbs(x, leaf, *a, **k): return g.silu(g.conv(x, f'{leaf}.0', *a, bn=f'{leaf}.1', **k))

    with g.at('features'):
        x, cin = cbs(pixels(g), '0', 3, 32, 3, 2, 1), 32
        stages = (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)
        for at, (t, k, s, c, n) in enumerate(stages, 1):
            for i in range(n):
                e, j, q = cin * t, int(t > 1), max(1, cin // 4)
                with g.at(f'{at}.{i}.block'):
                    y = cbs(x, '0', cin, e, 1) if j else x
                    y = cbs(y, str(j), e, e, k, 1 if i else s, k // 2, groups=e)
                    with g.at(str(j + 1)):
                        z = g.silu(g.conv(g.op('GlobalAveragePool', y), 'fc1', e, q, 1))
                        y = g.op('Mul', g.op('Sigmoid', g.conv(z, 'fc2', q, e, 1, gain=.5)), y)
                        g.mark(y, tuple(v / 2 for v in STAT['silu']))           # the gate is about 1/2
                    y = g.conv(y, f'{j + 2}.0', e, c, 1, bn=f'{j + 2}.1', gain=RES if i else 1.)
                    x, cin = g.op('Add', y, x) if i else y, c
        x = cbs(x, '8', cin, 1280, 1)
    classifier(g, x, 'classifier.1', 1280)

@model(138_357_544, 'torchvision; no BN', size=224)
def vgg16(g):
    x, cin, at = pixels(g), 3, 0
    with g.at('features'):
        for c in 64, 64, 'M', 128, 128, 'M', 256, 256, 256, 'M', 512, 512, 512, 'M', 512, 512, 512, 'M':
            if c == 'M':
                x, at = g.maxpool(x, 2, 2), at + 1
            else:
                x, cin, at = g.relu(g.conv(x, str(at), cin, c, 3, 1, 1)), c, at + 2
    assert g.size % 224 == 0, 'vgg16 needs a multiple of 224 pixels'
    x = g.op('Flatten', g.avgpool(x, g.size // 224), axis=1)                    # AdaptiveAvgPool2d(7)
    with g.at('classifier'):
        x = g.relu(g.gemm(x, '0', 512 * 49, 4096))
        x = g.gemm(g.relu(g.gemm(x, '3', 4096, 4096)), '6', 4096, 1000)
    g.output('output', x, [g.B, 1000])

@model(7_978_856, 'torchvision; BN before Conv, Concat of all earlier features', size=224)
def densenet121(g):
    with g.at('features'):
        x, c = g.maxpool(g.relu(g.conv(pixels(g), 'conv0', 3, 64, 7, 2, 3, bn='norm0')), 3, 2, 1), 64
        g.stat.pop(x)
        for b, depth in enumerate((6, 12, 24, 16), 1):
            with g.at(f'denseblock{b}'):
                feats = [x]
                for i in range(depth):
                    with g.at(f'denselayer{i + 1}'):
                        y = g.op('Concat', *feats, axis=1) if i else x
                        y = g.relu(g.bn(y, 'norm1', c))
                        y = g.relu(g.conv(y, 'conv1', c, 128, 1, bn='norm2'))
                        feats.append(g.conv(y, 'conv2', 128, 32, 3, 1, 1, bias=False))
                        c += 32
                x = g.op('Concat', *feats, axis=1)
            if b < 4:
                with g.at(f'transition{b}'):
                    x = g.avgpool(g.conv(g.relu(g.bn(x, 'norm', c)), 'conv', c, c // 2, 1, bias=False), 2)
                    c //= 2
        x = g.relu(g.bn(x, 'norm5', c))
    classifier(g, x, 'classifier', c)

# -- segmentation -----------------------------------------------------------------------------------------------

@model(31_036_546, 'milesial/Pytorch-UNet, 1 channel in, 2 classes', size=256)
def unet(g):
    def double(x, leaf, cin, c):
        with g.at(leaf), g.at('double_conv'):
            return g.relu(g.conv(g.relu(g.conv(x, '0', cin, c, 3, 1, 1, bn='1')), '3', c, c, 3, 1, 1, bn='4'))

    skips = [double(pixels(g, 1), 'inc', 1, 64)]
    for i in range(4):
        with g.at(f'down{i + 1}'):
            skips.append(double(g.maxpool(skips[-1], 2, 2), 'maxpool_conv.1', 64 << i, 128 << i))
    x = skips.pop()
    for i in range(4):
        c = 512 >> i
        with g.at(f'up{i + 1}'):
            x = double(g.op('Concat', skips.pop(), g.up(x, 'up', 2 * c, c), axis=1), 'conv', 2 * c, c)
    g.output('output', g.conv(x, 'outc.conv', 64, 2, 1), [g.B, 2, g.size, g.size])

@model(3_752_694, 'Hugging Face nvidia/segformer-b0-finetuned-ade-512-512; logits at 1/4', size=512)
def segformer_b0(g):
    x, cin, hw, feats, dims = g.input('pixel_values', [g.B, 3, g.size, g.size]), 3, g.size, [], (32, 64, 160, 256)
    with g.at('segformer.encoder'):
        for i, (D, n, r) in enumerate(zip(dims, (1, 2, 5, 8), (8, 4, 2, 1))):
            k, s = (3, 2) if i else (7, 4)
            hw //= s
            with g.at(f'patch_embeddings.{i}'):
                x = g.tokens(g.conv(x, 'proj', cin, D, k, s, k // 2), D, hw * hw)
                x = g.layernorm(x, 'layer_norm', D)
            for j in range(2):
                with g.at(f'block.{i}.{j}'):
                    y = kv = g.layernorm(x, 'layer_norm_1', D)
                    with g.at('attention'):
                        if r > 1:
                            kv = g.conv(g.image(y, D, hw, hw), 'self.sr', D, D, r, r)
                            kv = g.layernorm(g.tokens(kv, D, (hw // r) ** 2), 'self.layer_norm', D)
                        x = g.op('Add', g.mha(y, kv, hw * hw, D, n, ('self.query', 'self.key', 'self.value', 'output.dense')), x)
                    y = g.layernorm(x, 'layer_norm_2', D)
                    with g.at('mlp'):
                        y = g.image(g.linear(y, 'dense1', D, 4 * D), 4 * D, hw, hw)
                        y = g.conv(y, 'dwconv.dwconv', 4 * D, 4 * D, 3, 1, 1, groups=4 * D)
                        y = g.linear(g.gelu(g.tokens(y, 4 * D, hw * hw)), 'dense2', 4 * D, D, .5)
                    x = g.op('Add', y, x)
            x, cin = g.image(g.layernorm(x, f'layer_norm.{i}', D), D, hw, hw), D
            feats.append((x, D, hw))
    hw = g.size // 4
    with g.at('decode_head'):
        ups = []
        for i, (x, D, h) in enumerate(feats):
            y = g.image(g.linear(g.tokens(x, D, h * h), f'linear_c.{i}.proj', D, 256), 256, h, h)
            if isinstance(g.B, int):
                sizes = g.i64([g.B, 256, hw, hw])
            else:
                sizes = g.op('Concat', g.slice(g.op('Shape', y), 0, 0, 2), g.i64([hw, hw]), axis=0)
            ups.append(g.op('Resize', y, '', '', sizes, mode='linear', coordinate_transformation_mode='pytorch_half_pixel',
                            cubic_coeff_a=-.75, nearest_mode='floor'))
        y = g.conv(g.op('Concat', *ups[::-1], axis=1), 'linear_fuse', 1024, 256, 1, bn='batch_norm')
        g.output('logits', g.conv(g.relu(y), 'classifier', 256, 150, 1), [g.B, 150, hw, hw])

# -- transformer encoders ---------------------------------------------------------------------------------------

@model(86_567_656, 'timm/torchvision; packed qkv', size=224)
def vit_b16(g):
    D, n, L, S = 768, 12, 12, (g.size // 16) ** 2 + 1
    x = g.tokens(g.conv(pixels(g), 'patch_embed.proj', 3, D, 16, 16), D, S - 1)
    cls = g.weight('cls_token', g.randn('cls_token', (1, 1, D)))
    cls = g.expand(cls, g.dim(x, 0, g.B), -1, -1)
    x = g.op('Add', g.op('Concat', cls, x, axis=1), g.weight('pos_embed', g.randn('pos_embed', (1, S, D), .5)))
    for i in range(L):
        with g.at(f'blocks.{i}'):
            y = g.layernorm(x, 'norm1', D, 1e-6)
            with g.at('attn'):
                y = g.linear(y, 'qkv', D, 3 * D)
                y = g.transpose(g.reshape(y, g.dim(y, 0, g.B), S, 3, n, D // n), 2, 0, 3, 1, 4)
                q, k, v = (g.op('Gather', y, g.i64(j), axis=0) for j in range(3))
                y = g.attend(q, g.transpose(k, 0, 1, 3, 2), v, D // n, S)
                x = g.op('Add', x, g.linear(y, 'proj', D, D, 1.))      # averaging over tokens already shrinks y
            y = g.layernorm(x, 'norm2', D, 1e-6)
            with g.at('mlp'):
                y = g.linear(g.gelu(g.linear(y, 'fc1', D, 4 * D)), 'fc2', 4 * D, D, (2 * L) ** -.5)
            x = g.op('Add', x, y)
    x = g.op('Gather', g.layernorm(x, 'norm', D, 1e-6), g.i64(0), axis=1)
    g.output('output', g.gemm(x, 'head', D, 1000), [g.B, 1000])
