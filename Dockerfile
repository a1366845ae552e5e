# One image for every process of the service; docker-compose.yml says which one to start.

FROM python:3.13.11-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/hpsearch
ENV PATH=/opt/hpsearch/bin:$PATH
# What changes rarely comes first. Wheels alone: nothing is compiled, no setup script runs.
COPY requirements/run.txt requirements/run.txt
RUN python -m pip install --require-hashes --only-binary :all: -r requirements/run.txt
# Remote data needs its fsspec backend, e.g. --build-arg DATA_BACKEND=s3fs
ARG DATA_BACKEND=""
RUN [ -z "$DATA_BACKEND" ] || python -m pip install --only-binary :all: "$DATA_BACKEND"
COPY pyproject.toml README.md LICENSE ./
COPY hpsearch hpsearch
COPY worker worker
COPY api api
COPY migrations migrations
RUN python -m pip install --no-deps --no-build-isolation . \
    && python -m pip uninstall --yes hatchling editables pathspec pluggy trove-classifiers pip

FROM python:3.13.11-slim-trixie
# The base image's own pip would install into a running container; nothing here needs it.
RUN python -m pip uninstall --yes --root-user-action ignore pip \
    && groupadd --gid 10001 hpsearch \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home \
        --shell /usr/sbin/nologin hpsearch \
    # Empty volumes that are mounted here take over owner and mode.
    && install --directory --owner 10001 --group 10001 --mode 0700 /data /backup
COPY --from=build /opt/hpsearch /opt/hpsearch
COPY deploy/check.py /opt/hpsearch/check.py
ENV PATH=/opt/hpsearch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OPENBLAS_NUM_THREADS=1 \
    OMP_NUM_THREADS=1 \
    MKL_NUM_THREADS=1 \
    HPSEARCH_HOME=/data
WORKDIR /data
USER 10001:10001
EXPOSE 8080
CMD ["python", "-P", "-m", "api"]
