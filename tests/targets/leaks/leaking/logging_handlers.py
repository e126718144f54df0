"""Each job gives the logger another handler, which keeps what it was told."""

from __future__ import annotations

import logging

LOG = logging.getLogger("jobs")
LOG.propagate = False


class JobHandler(logging.Handler):
    def __init__(self, job):
        super().__init__()
        self.job = job
        self.context = {"job": job, "tags": [f"tag-{job}-{n}" for n in range(40)]}  # leaks

    def emit(self, record):
        pass


def run_job(job):
    LOG.addHandler(JobHandler(job))  # leaks
    return sum(range(200))


for job in range(5_000):
    run_job(job)
