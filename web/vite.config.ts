import { readFile } from "node:fs/promises";
import react from "@vitejs/plugin-react";
import type { Connect, Plugin } from "vite";
import { defineConfig } from "vitest/config";

/**
 * Serves `/config.json` from the file that `INSTA_WEB_CONFIG` names, in `vite` and `vite preview`. It is read at
 * each request, so a restarted service with a new address needs no restart here.
 */
function runtimeConfig(): Plugin {
  const file = process.env.INSTA_WEB_CONFIG;
  const serve: Connect.NextHandleFunction = async (request, response, next) => {
    if (request.url?.split("?")[0] !== "/config.json" || !file) return next();
    try {
      const text = await readFile(file, "utf8");
      response.setHeader("content-type", "application/json").setHeader("cache-control", "no-store").end(text);
    } catch (error) {
      next(error);
    }
  };
  return {
    name: "runtime-config",
    configureServer: (server) => void server.middlewares.use(serve),
    configurePreviewServer: (server) => void server.middlewares.use(serve),
  };
}

export default defineConfig({
  plugins: [react(), runtimeConfig()],
  build: { target: "es2022", chunkSizeWarningLimit: 900 },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test/setup.ts"],
    restoreMocks: true,
  },
});
