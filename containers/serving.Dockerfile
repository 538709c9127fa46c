# The image that serves an exported model: the runtime, without torch. From the repository's root:
#   docker build -f containers/serving.Dockerfile -t safs-serving:0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" .
#   docker run -p 8080:8080 -v "$PWD/exported:/mnt/models:ro" safs-serving:0.1.0
ARG BASE=python:3.11-slim
FROM ${BASE} AS build
ARG PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_TRUSTED_HOST
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
RUN python3 -m venv /opt/safs
WORKDIR /build
COPY containers/constraints.txt pyproject.toml README.md LICENSE ./
COPY src src
# the package without its extras: the runtime, NumPy and Numba
RUN /opt/safs/bin/pip install -c constraints.txt . && /opt/safs/bin/pip uninstall -y pip setuptools \
 && find /opt/safs \( -name tests -o -name '*.pyi' -o -name '*.h' \) -prune -exec rm -rf {} +
COPY containers/kernels.py containers/sitecustomize.py ./
# the runtime is compiled here, not in every pod
RUN mkdir /opt/code && mv sitecustomize.py /opt/code/ \
 && PYTHONPATH=/opt/code SAFS_CACHE=/opt/runtime /opt/safs/bin/python3 kernels.py && chmod -R a+rX /opt/runtime

FROM ${BASE}
COPY --from=build /opt/safs /opt/safs
COPY --from=build /opt/runtime /opt/runtime
COPY --from=build /opt/code /opt/code
ENV PATH=/opt/safs/bin:$PATH PYTHONPATH=/opt/code HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SAFS_KERNELS=/opt/runtime/kernels
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
ARG BASE
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="safs-serving" \
      org.opencontainers.image.description="Serves an exported SAFS model over HTTP, without torch" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/safs-pipelines/safs-pipelines"
ENTRYPOINT ["python3", "-m", "safs.serving"]
CMD ["--model", "/mnt/models"]
