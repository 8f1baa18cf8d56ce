import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [vue()],
  // session.ts and style.css are shared with the other front end.
  server: { fs: { allow: [".."] } },
});
