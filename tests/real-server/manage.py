#!/usr/bin/env python3
"""A management command on a running server's state: STANDIN_STATE=... manage.py mintpat ada"""
import os
import sys

sys.dont_write_bytecode = True
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "standin.settings")
from django.core.management import execute_from_command_line  # noqa: E402

execute_from_command_line(sys.argv)
