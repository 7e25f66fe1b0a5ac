import { readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";

// Wall screens are replaced rarely: pages must run in a five-year-old Chromium. For one older than
// this, private fields would become maps, which the wallboard pays for dearly.
const OLDEST_BROWSER = "chrome94";

const AGENTD = process.env.AGENTD_URL ?? "http://127.0.0.1:8080";
const PAGES = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".html"));

export default defineConfig({
  // Relative, so that the pages also work below a path of somebody's reverse proxy.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../agentd/static",
    emptyOutDir: true,
    target: OLDEST_BROWSER,
    cssTarget: OLDEST_BROWSER,
    // The content security policy forbids data: URLs; every file is a file.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: { input: PAGES },
  },
  server: {
    // `npm run dev` beside a running agentd (or tests/browser/fake_daemon.py).
    proxy: { "/ws": { target: AGENTD, ws: true }, "/api": { target: AGENTD } },
  },
  test: { include: ["test/**/*.test.ts"], environment: "node" },
});
