# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /app
COPY requirements.lock pyproject.toml README.md ./
COPY tagger tagger
RUN python -m venv /app/.venv \
    && /app/.venv/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock \
    && /app/.venv/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation --no-index --editable . \
    && /app/.venv/bin/python -m compileall -q tagger \
    && /app/.venv/bin/python -m tagger.kernel
# What texts are looked up in is made here once, and not in each container.
COPY models models
RUN /app/.venv/bin/tagger verify

# Nothing here needs to be written but models (the reviews and the releases of a newsroom: mount a volume there): the root may
# be read-only. A public address without keys is refused: `docker run … tagger keys add NAME --scope tag`, on the same volume.
FROM python:3.13-slim
WORKDIR /app
COPY --from=build /app /app
COPY gunicorn.conf.py ./
COPY training training
COPY --chown=10001:10001 models models
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 TAGGER_HOST=0.0.0.0 PORT=8000
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/readyz', timeout=2)"]
CMD ["tagger", "serve"]
