# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /app
COPY requirements.lock pyproject.toml README.md ./
COPY tagger tagger
RUN python -m venv /app/.venv \
    && /app/.venv/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock \
    && /app/.venv/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation --no-index --editable .

FROM python:3.13-slim
WORKDIR /app
RUN useradd --system --no-create-home tagger
COPY --from=build /app /app
COPY gunicorn.conf.py ./
COPY training training
# The review store lies beside the releases; mount a volume here to keep both.
COPY --chown=tagger models models
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 TAGGER_HOST=0.0.0.0 PORT=8000
USER tagger
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/readyz', timeout=2)"]
CMD ["tagger", "serve"]
