"""Processes behind the API: Celery workers that train, and the loop that decides."""
