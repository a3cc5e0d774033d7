#!/bin/sh
# Engines that cuDNN compiles at run time, without a device: batch normalisation (VIC_CUDA_NORM=cudnn). A
# driver that takes what is compiled stands in the folder DRY beside the plug-in (driver.c).
. "$(dirname "$0")/dry.sh"
driver=$DRY/driver/libcuda.so.1

vic-corpora synth images -q --layout cifar --n 24 --seed 3 --to "$T/synth" >/dev/null
vic-images -q -f cifar10 "$T/synth" >"$T/images"
images() { vic-train -q --batch 12 --epochs 1 "$@" "$T/images"; }
small='-m smallcnn --width 0.1 --lr 0.001'
norm='-m resnet20 --width 0.5 --lr 0.001'

# shellcheck disable=SC2086
VIC_CUDA_NORM=cudnn fails 3 'VIC_CUDA_NORM=cudnn, which is compiled at run time .*: cuDNN [0-9]* has no engine' \
	'norm by cuDNN where there is no driver' images $norm --device cuda -o "$T/m"
# shellcheck disable=SC2086
VIC_CUDA_NORM=cudnn VIC_GPU_DRIVER=$driver VIC_GPU_DEVICE=$ROOT/tests/gpu/devices/t4.json fails 3 \
	'VIC_CUDA_NORM=cudnn, which is compiled at run time .*: cuDNN [0-9]* has no engine' 'norm by cuDNN on a T4' \
	images $norm --device cuda -o "$T/m"
for d in cuda auto; do
	# shellcheck disable=SC2086
	VIC_CUDA_NORM=yes fails 2 'VIC_CUDA_NORM=yes: is neither own nor cudnn' "an engine that is none, $d" \
		images $norm --device $d -o "$T/m"
done
# shellcheck disable=SC2086
VIC_CUDA_TUNE_SECONDS=ten fails 2 "VIC_CUDA_TUNE_SECONDS: 'ten' is not a number" 'a time that is none' \
	images $small --tune --device cuda -o "$T/m"

# shellcheck disable=SC2086
images $norm --device ref --history "$T/h.ref" -o "$T/ref"
# shellcheck disable=SC2086
VIC_CUDA_NORM=cudnn VIC_GPU_DRIVER=$driver images $norm --device cuda --precision float32 --history "$T/h.cuda" -o "$T/m"
near "$T/h.ref" "$T/h.cuda" 1e-5 train_loss
tap $? 'norm by cuDNN: the losses of ref' || diag "$T/h.ref" "$T/h.cuda"
vic-cat --provenance "$T/m" 2>/dev/null | grep -q ', norm by cuDNN,' || grep -aq ', norm by cuDNN,' "$T/m"
tap $? 'norm by cuDNN: the model says so'
finish
