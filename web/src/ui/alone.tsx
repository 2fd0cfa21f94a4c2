import type { ReactNode } from "react";
import { Brand } from "./brand";

/** What is shown to someone who is not signed in: one thing in the middle. */
export function Alone({ children }: { children: ReactNode }) {
  return (
    <main className="alone">
      <p className="brand">
        <Brand />
      </p>
      {children}
    </main>
  );
}
