#!/usr/bin/env python3
"""serve.py [PORT=0]   migrates, seeds and serves in the foreground; 0 is a port that is free.
Prints one line when it answers.  Ends with Ctrl-C, or with its standard input if STANDIN_UNTIL_EOF=1."""
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
listener = socket.create_server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), backlog=128)
tls = os.environ.get("STANDIN_TLS")
origin = "%s://127.0.0.1:%d" % ("https" if tls else "http", listener.getsockname()[1])
temporary = None if os.environ.get("STANDIN_STATE") else tempfile.mkdtemp(prefix="autocom-real-server-")
state = os.environ.setdefault("STANDIN_STATE", temporary or "")
os.environ.setdefault("STANDIN_ORIGIN", origin)
os.environ["DJANGO_SETTINGS_MODULE"] = "standin.settings"

import django  # noqa: E402  (its settings read the variables above)
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from gunicorn.app.base import BaseApplication  # noqa: E402


def ready(server):
    print("platform on %s/api/v1 (state %s)" % (origin, state), flush=True)


def watch_standard_input(worker):
    """In the worker: a master must not fork with a thread of its own."""
    def wait():
        sys.stdin.buffer.read()
        os.kill(os.getppid(), signal.SIGTERM)

    if os.environ.get("STANDIN_UNTIL_EOF") == "1":
        threading.Thread(target=wait, daemon=True).start()


def clear(server):
    if temporary:
        shutil.rmtree(temporary, ignore_errors=True)


class Server(BaseApplication):
    def load_config(self):
        options = {
            "bind": ["fd://%d" % listener.fileno()], "worker_class": "gthread", "workers": 1, "threads": 32,
            "keepalive": 15, "graceful_timeout": 2, "loglevel": "warning", "control_socket_disable": True,
            "certfile": tls and os.path.join(tls, "server.pem"), "keyfile": tls and os.path.join(tls, "server.key"),
            "when_ready": ready, "post_worker_init": watch_standard_input, "on_exit": clear}
        for name, value in options.items():
            if value is not None:
                self.cfg.set(name, value)

    def load(self):
        from standin.wsgi import application
        return application


sys.argv = sys.argv[:1]
django.setup()
call_command("migrate", verbosity=0, interactive=False)
call_command("seed", stdout=open(os.devnull, "w"))
connections.close_all()
Server().run()
