"""How gunicorn serves the tagger; `tagger serve`, the Procfile and the Dockerfile all start it with this file.

The master runs it, and imports every module that serving needs before it forks: the workers start at once, and share them.
It makes no app and loads no release: each worker does, follows the champion, and swaps it. New code needs a new master.
"""

import gc
import logging
import math
import os
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from gunicorn.glogging import Logger

from tagger.errors import SettingError
from tagger.logs import configure_logging, for_people
from tagger.settings import has_keys, problems, read_settings, unknown_variables
from tagger.shared import make_shared, memory

try:
    _settings = read_settings(os.environ)
except SettingError as error:
    raise SystemExit(str(error)) from None
if _refused := problems(_settings, keys_required=has_keys(_settings)):
    raise SystemExit("\n".join(_refused))
configure_logging(_settings)


class OneLog(Logger):
    """Leaves gunicorn's messages to the handler of all others. Its access log stays off: requests are logged by the tagger."""

    def setup(self, cfg):
        """Hand on what the master and the workers have to say."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


# One thread for the linear algebra, set before NumPy is imported: a document's sums are too small to share.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Pydantic would look for plug-ins among all installed packages, for 4 ms; the tagger has none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")

wsgi_app = "tagger.app:create_app()"
bind = _settings.bind
# gthread 2x4 answered more requests a second than sync on 2 cores.
workers = _settings.workers
worker_class = "tagger.worker.Worker"
threads = 4
# A worker whose loop hangs is killed after this; a request that has not arrived by then is given up.
timeout = 30
# Who stops the service waits for the longest request that is allowed.
graceful_timeout = math.ceil(_settings.request_seconds)
control_socket_disable = True
# A heartbeat file on a disk can block a worker.
worker_tmp_dir = str(memory())
logger_class = OneLog
loglevel = _settings.log_level


def on_starting(_server):
    """Make what the workers share: once, before the first one."""
    for sentence in unknown_variables(os.environ):
        logging.getLogger("tagger.settings").warning(sentence)
    shared = make_shared()
    metrics = shared / "metrics"
    metrics.mkdir()
    os.environ["TAGGER_SHARED"] = str(shared)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    # Looking for garbage among modules finds nothing, and takes an eighth of the time that importing them does.
    gc.disable()
    # prometheus_client reads that variable when it is imported: not before, and not when a worker dies as files are exchanged.
    import_module("tagger.app")
    # What is imported by now stays as long as the master: workers that never look at it for garbage never copy its pages.
    gc.freeze()
    gc.enable()


def child_exit(server, worker):
    """Keep what a worker that has ended counted, and forget what it measured."""
    try:
        import_module("tagger.metric_files").bury(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]), living=server.WORKERS)
    except Exception:
        # gunicorn would end, and every worker with it.
        server.log.exception("merging the metrics of worker %s failed", worker.pid)


def on_exit(_server):
    """Remove what the workers shared."""
    shutil.rmtree(os.environ["TAGGER_SHARED"], ignore_errors=True)


def post_worker_init(worker):
    """Once a worker has loaded the release, spare it from garbage collection; have the first one give a command to paste."""
    # The release and the app stay: collections then look only at what came since.
    gc.freeze()
    if worker.age != 1:
        return
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(_settings.host, _settings.host)  # noqa: S104 - compared, not bound
    url = f"http://{replace(_settings, host=here).bind}/v1/tags"
    text = "Séoul accuse Pyongyang d'avoir envoyé 1 500 soldats combattre avec l'armée russe contre l'Ukraine"
    command = f"curl -s {url} -H 'Content-Type: text/plain' --data \"{text}\""
    if for_people(_settings):
        print(f"\nTagger answers on {url}. Paste:\n\n  {command}\n", flush=True)
    else:
        logging.getLogger("tagger").info("Tagger answers on %s. Try: %s", url, command)
