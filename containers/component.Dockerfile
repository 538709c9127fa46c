# The image that every pipeline component runs in. From the repository's root:
#   docker build -f containers/component.Dockerfile -t safs-pipelines:0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" .
# A CPU build of torch: --build-arg TORCH=torch==2.14.1+cpu --build-arg PIP_EXTRA_INDEX_URL=INDEX_OF_CPU_BUILDS
ARG BASE=python:3.11-slim
FROM ${BASE} AS build
# pip reads these from its environment; none is kept in the image
ARG PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_TRUSTED_HOST
ARG TORCH=torch==2.14.1
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/safs/bin:$PATH
RUN python3 -m venv /opt/safs && pip install "$TORCH"
WORKDIR /build
COPY containers/constraints.txt pyproject.toml README.md LICENSE ./
ARG EXTRAS=train,models,onnx,postgresql
# the dependencies alone, so that a change of the code does not install them again
RUN mkdir -p src/safs && touch src/safs/__init__.py && pip install -c constraints.txt "$TORCH" ".[$EXTRAS]"
RUN pip uninstall -y safs && find /opt/safs -name tests -type d -prune -exec rm -rf {} +

FROM build AS code
COPY src src
RUN pip install --no-deps --target /opt/code .
COPY containers/kernels.py containers/sitecustomize.py ./
# kernels are compiled here, not in every pod
RUN mv sitecustomize.py /opt/code/ && PYTHONPATH=/opt/code NUMBA_CACHE_DIR=/opt/kernels SAFS_CACHE=/opt/runtime python3 kernels.py \
 && chmod -R a+rX /opt/kernels /opt/runtime

FROM ${BASE}
# a large layer that stays while the dependencies stay, and small ones with the kernels and the code
COPY --from=build /opt/safs /opt/safs
COPY --from=code /opt/kernels /opt/kernels
COPY --from=code /opt/runtime /opt/runtime
COPY --from=code /opt/code /opt/code
# a user by number, so that runAsNonRoot can be checked; all that is written goes to /tmp, the rest may be read-only
ENV PATH=/opt/code/bin:/opt/safs/bin:$PATH PYTHONPATH=/opt/code HOME=/tmp TMPDIR=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CACHE_DIR=/tmp/numba SAFS_KERNELS=/opt/runtime/kernels MPLCONFIGDIR=/tmp/matplotlib \
    MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false MLFLOW_DISABLE_TELEMETRY=true
USER 10001:10001
WORKDIR /tmp
ARG BASE
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="safs-pipelines" \
      org.opencontainers.image.description="Components of the SAFS training pipeline" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/safs-pipelines/safs-pipelines"
CMD ["safs", "--help"]
