# The suite on CuPy in a container, on a machine with an NVIDIA driver and its container toolkit:
#
#   docker build -f ci/gpu.Dockerfile -t xsoftmax-gpu .
#   docker run --rm --gpus all -v "$XSOFTMAX_DATA_DIR":/data:ro xsoftmax-gpu
#
# Arguments go to ci/gpu.sh: a folder of wheels first, if there is one, then to pytest.
# For a CUDA 13 driver: --build-arg CUDA=cuda13
FROM python:3.12-slim
ARG CUDA=cuda12
WORKDIR /xsoftmax
COPY . .
RUN pip install --no-cache-dir ".[test,${CUDA}]"
ENV XSOFTMAX_DATA_DIR=/data
ENTRYPOINT ["ci/gpu.sh"]
