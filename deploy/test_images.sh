#!/usr/bin/env bash
# Build the image `slim`, set it up with SQLite in a new volume, start web and worker, and wait until both are ready.
#   ENGINE=podman BUILD_OPTIONS="--build-arg BASE=IMAGE" RUN_OPTIONS="--network host" deploy/test_images.sh
set -euo pipefail
cd "$(dirname "$0")/.."
read -ra engine <<<"${ENGINE:-docker}"
read -ra build_options <<<"${BUILD_OPTIONS:-}"
read -ra run_options <<<"${RUN_OPTIONS:-}"
name=openbook-test-$$

remove_all() {
  "${engine[@]}" rm --force "$name-web" "$name-worker" || true
  "${engine[@]}" volume rm "$name" || true
  "${engine[@]}" rmi "$name" || true
}
run_image() {
  "${engine[@]}" run --read-only --tmpfs /tmp --cap-drop ALL --volume "$name:/data" \
    --env LLM_URL=http://model-server.invalid/v1 "${run_options[@]}" "$@"
}
is_ready() {
  "${engine[@]}" exec "$name-web" .venv/bin/python deploy/healthcheck.py \
    && "${engine[@]}" exec "$name-worker" test -e /data/worker.alive
}

trap remove_all EXIT
"${engine[@]}" build --file deploy/Dockerfile --target slim --tag "$name" "${build_options[@]}" .
run_image --rm "$name" setup
run_image --detach --name "$name-web" "$name" process web
run_image --detach --name "$name-worker" "$name" process worker
for _ in $(seq 60); do
  if is_ready; then
    echo "The page is ready and the worker lives."
    exit 0
  fi
  sleep 2
done
"${engine[@]}" logs "$name-web" || true
"${engine[@]}" logs "$name-worker" || true
echo "The page or the worker was not ready within two minutes." >&2
exit 1
