# The image of `earwitness`: worker, API, migrations and commands; no compiler, no shell needed.
FROM python:3.13.16-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/earwitness
COPY deploy/requirements.lock deploy/requirements.lock
RUN /opt/earwitness/bin/pip install --require-hashes --no-deps -r deploy/requirements.lock
COPY . .
RUN /opt/earwitness/bin/pip install --no-deps ./sdk . && /opt/earwitness/bin/pip check

FROM python:3.13.16-slim-trixie
COPY --from=build /opt/earwitness /opt/earwitness
ENV PATH=/opt/earwitness/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# Faust and others write to the working folder if anywhere; the root may be read-only.
WORKDIR /tmp
USER 10001:10001
ENTRYPOINT ["earwitness"]
CMD ["--help"]
