"""The least that a Flask service can do with an article: parse its JSON, answer a small object. Ours is measured against it."""

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.post("/v1/tags")
def tags() -> Response:
    """Parse and answer."""
    article = request.get_json()
    return jsonify({"characters": len(article["body"])})


@app.get("/readyz")
def readyz() -> Response:
    """Be there."""
    return jsonify({"status": "ready"})
