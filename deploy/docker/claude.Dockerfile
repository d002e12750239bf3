# Carryon with an agent that needs Node.js; here Claude Code's adapter. Others: docs/agents.md names their packages.
#
#   docker build -t carryon-claude:0.1.0 -f deploy/docker/claude.Dockerfile deploy/docker

ARG CARRYON=carryon:0.1.0

# Both images are Debian 12, so that the programs of one run in the other.
FROM node:24-bookworm-slim AS agents
ARG AGENTS="@agentclientprotocol/claude-agent-acp"
# hadolint ignore=DL3016
RUN npm install --global --no-fund --no-audit ${AGENTS} && npm cache clean --force

FROM ${CARRYON}
COPY --from=agents /usr/local/bin /usr/local/bin
COPY --from=agents /usr/local/lib/node_modules /usr/local/lib/node_modules
