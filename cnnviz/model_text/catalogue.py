"""The layers, functions and methods that are known, with what they take. All else is refused.

A name in a text is only ever looked up here. The parameters are PyTorch's own, by name and order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cnnviz.model_text.arguments import Signature, signature


def _all(lines: Mapping[str, str]) -> dict[str, Signature]:
    return {name: signature(line) for name, line in lines.items()}


_CONVOLUTION: Final = (
    "in_channels:count! out_channels:count! kernel_size:window! stride:window padding:padding "
    "dilation:window groups:count bias:flag padding_mode:mode"
)
_NORM: Final = "num_features:count! eps:small momentum:momentum affine:flag"
_MAX_POOL: Final = "kernel_size:window! stride:stride padding:edge dilation:window"
_AVERAGE_POOL: Final = (
    "kernel_size:window! stride:stride padding:edge ceil_mode:flag count_include_pad:flag"
)

LAYERS: Final[Mapping[str, Signature]] = _all(
    {
        "Conv2d": _CONVOLUTION,
        "Linear": "in_features:count! out_features:count! bias:flag",
        "MaxPool2d": f"{_MAX_POOL} return_indices:off ceil_mode:flag",
        "AvgPool2d": _AVERAGE_POOL,
        "AdaptiveAvgPool2d": "output_size:size!",
        "AdaptiveMaxPool2d": "output_size:size! return_indices:off",
        "BatchNorm1d": f"{_NORM} track_running_stats:flag",
        "BatchNorm2d": f"{_NORM} track_running_stats:flag",
        "InstanceNorm2d": f"{_NORM} track_running_stats:flag",
        "GroupNorm": "num_groups:count! num_channels:count! eps:small affine:flag",
        "LayerNorm": "normalized_shape:shape! eps:small elementwise_affine:flag bias:flag",
        "LocalResponseNorm": "size:window! alpha:number beta:number k:number",
        "Dropout": "p:share inplace:flag",
        "Dropout2d": "p:share inplace:flag",
        "ReLU": "inplace:flag",
        "ReLU6": "inplace:flag",
        "LeakyReLU": "negative_slope:number inplace:flag",
        "PReLU": "num_parameters:count init:number",
        "ELU": "alpha:number inplace:flag",
        "GELU": "approximate:tanh",
        "SiLU": "inplace:flag",
        "Mish": "inplace:flag",
        "Hardswish": "inplace:flag",
        "Sigmoid": "",
        "Tanh": "",
        "Softmax": "dim:dim!",
        "LogSoftmax": "dim:dim!",
        "Identity": "",
        "Flatten": "start_dim:dim end_dim:dim",
        "ZeroPad2d": "padding:sides!",
        "ReflectionPad2d": "padding:sides!",
        "Upsample": "size:none scale_factor:scale! mode:blend",
    }
)
"""torch.nn.NAME."""

FUNCTIONS: Final[Mapping[str, Signature]] = _all(
    {
        **dict.fromkeys(
            (
                "torch.nn.functional.relu",
                "torch.nn.functional.relu6",
                "torch.nn.functional.silu",
                "torch.nn.functional.mish",
                "torch.nn.functional.hardswish",
            ),
            "input:tensor! inplace:flag",
        ),
        **dict.fromkeys(
            (
                "torch.relu",
                "torch.sigmoid",
                "torch.tanh",
                "torch.nn.functional.sigmoid",
                "torch.nn.functional.tanh",
            ),
            "input:tensor!",
        ),
        "torch.nn.functional.leaky_relu": "input:tensor! negative_slope:number inplace:flag",
        "torch.nn.functional.elu": "input:tensor! alpha:number inplace:flag",
        "torch.nn.functional.gelu": "input:tensor! approximate:tanh",
        "torch.nn.functional.max_pool2d": f"input:tensor! {_MAX_POOL} ceil_mode:flag "
        "return_indices:off",
        "torch.nn.functional.avg_pool2d": f"input:tensor! {_AVERAGE_POOL}",
        "torch.nn.functional.adaptive_avg_pool2d": "input:tensor! output_size:size!",
        "torch.nn.functional.adaptive_max_pool2d": "input:tensor! output_size:size! "
        "return_indices:off",
        "torch.nn.functional.dropout": "input:tensor! p:share training:flag inplace:flag",
        "torch.nn.functional.dropout2d": "input:tensor! p:share training:flag inplace:flag",
        "torch.nn.functional.pad": "input:tensor! pad:margins!",
        "torch.softmax": "input:tensor! dim:dim!",
        "torch.log_softmax": "input:tensor! dim:dim!",
        "torch.nn.functional.softmax": "input:tensor! dim:dim!",
        "torch.nn.functional.log_softmax": "input:tensor! dim:dim!",
        "torch.flatten": "input:tensor! start_dim:dim end_dim:dim",
        "torch.reshape": "input:tensor! shape:shape!",
        "torch.cat": "tensors:tensors! dim:dim",
        "torch.add": "input:tensor! other:term!",
        "torch.mul": "input:tensor! other:term!",
        "torch.mean": "input:tensor! dim:dims! keepdim:flag",
        "torch.squeeze": "input:tensor! dim:dim!",
        "torch.unsqueeze": "input:tensor! dim:dim!",
    }
)
"""By full name."""

METHODS: Final[Mapping[str, Signature]] = _all(
    {
        "view": "shape:shape!*",
        "reshape": "shape:shape!*",
        "flatten": "start_dim:dim end_dim:dim",
        "size": "dim:dim",
        "dim": "",
        "relu": "",
        "sigmoid": "",
        "tanh": "",
        "softmax": "dim:dim!",
        "log_softmax": "dim:dim!",
        "mean": "dim:dims! keepdim:flag",
        "squeeze": "dim:dim!",
        "unsqueeze": "dim:dim!",
        "add": "other:term!",
        "mul": "other:term!",
        "contiguous": "",
    }
)
"""Of what a layer puts out: x.NAME(...)."""

NORMS: Final = ("BatchNorm1d", "BatchNorm2d")

_OWN_NAMES: Final = (
    "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda "
    "double dump_patches eval extra_repr float forward get_buffer get_extra_state "
    "get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers "
    "named_children named_modules named_parameters parameters register_backward_hook "
    "register_buffer register_forward_hook register_forward_pre_hook "
    "register_full_backward_hook register_full_backward_pre_hook "
    "register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module "
    "register_parameter register_state_dict_post_hook register_state_dict_pre_hook "
    "requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty train "
    "training type xpu zero_grad"
)
OWN_NAMES: Final = frozenset(_OWN_NAMES.split())
"""Names that nn.Module has for itself; no layer can be called so."""
