import "@testing-library/jest-dom/vitest";
import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach, vi } from "vitest";

// jsdom has no layout, hence nothing to scroll.
vi.stubGlobal("scrollTo", () => undefined);
// Nor anything that a pointer could leave.
Element.prototype.setPointerCapture = () => undefined;

beforeEach(() => {
  window.history.replaceState(null, "", "/");
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});
