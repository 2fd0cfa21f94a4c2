import { useEffect, useState } from "react";

/** The time since `startedAt` in milliseconds, told anew every second. */
export function useElapsed(startedAt: number): number {
  const [now, setNow] = useState(startedAt);
  useEffect(() => {
    setNow(Date.now());
    const ticking = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(ticking);
  }, []);
  return Math.max(0, now - startedAt);
}
