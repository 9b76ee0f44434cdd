# The image for machines without a GPU: Debian with its own libtorch. All roles use this image. From the repository's
# root:
#   docker build -f deploy/docker/cpu.Dockerfile -t lockstep:cpu .
#   docker run --rm lockstep:cpu doctor

FROM node:20-bookworm-slim AS node

# The layers of npm's packages depend on these files only, so that other changes do not rebuild them.
FROM node AS manifests
WORKDIR /src
COPY . .
RUN mkdir /manifests && cp --parents package.json package-lock.json packages/*/package.json /manifests

FROM node AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ cmake ninja-build libtorch-dev libdnnl-dev libopenblas0-openmp \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY --from=manifests /manifests .
RUN npm ci --no-audit --no-fund
# The addons take minutes to build. They are built again only after a change of their own sources.
COPY scripts scripts
COPY packages/numerics/native packages/numerics/native
COPY packages/tfjs-backend-torch/binding packages/tfjs-backend-torch/binding
RUN node scripts/build-native.mjs
COPY . .
RUN npx tsc -b packages/cli packages/tfjs-backend-torch \
 && node deploy/docker/stage-app.mjs /app

FROM node AS dependencies
WORKDIR /app
COPY --from=manifests /manifests .
RUN npm ci --omit=dev --workspace=@lockstep/cli --workspace=@lockstep/tfjs-backend-torch --ignore-scripts --no-audit --no-fund \
 && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*_test.js' \) -delete

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libtorch1.13 libdnnl2 libopenblas0-openmp tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 lockstep \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin lockstep \
 && install -d -o 10001 -g 10001 -m 0750 /runs /cache /certs /certs/ca /certs/coordinator /certs/worker /certs/exporter /certs/operator \
 && install -d /data \
 && ln -s /app/packages/cli/bin/lockstep.js /usr/local/bin/lockstep
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=dependencies /app/node_modules /app/node_modules
COPY --from=build /app /app

ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="lockstep" \
      org.opencontainers.image.description="Distributed training with equal bits; every role, on CPUs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

# Decoded images are written to a volume. Probes use the port that serves only health.
ENV NODE_ENV=production \
    LOCKSTEP_CACHE_DIR=/cache \
    LOCKSTEP_HEALTH_LISTEN=0.0.0.0:50052
USER 10001:10001
WORKDIR /runs
STOPSIGNAL SIGTERM
# tini has process id 1, because a process with id 1 ignores signals for which it has no handler.
ENTRYPOINT ["tini", "--", "node", "--single-threaded-gc", "/app/packages/cli/dist/main.js"]
CMD ["--help"]
# For a coordinator and a worker. Other roles set their health check where they are started.
HEALTHCHECK --interval=15s --timeout=10s --start-period=120s --retries=3 \
  CMD ["lockstep", "health", "127.0.0.1:50052"]
