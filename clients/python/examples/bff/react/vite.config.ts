import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // session.ts and style.css are shared with the other front end.
  server: { fs: { allow: [".."] } },
});
