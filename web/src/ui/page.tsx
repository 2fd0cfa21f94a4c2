import { type ReactNode, useLayoutEffect, useRef } from "react";

interface PageProps {
  title: string;
  children: ReactNode;
}

/** Set once any page was shown: the first one leaves the focus where the browser put it. */
let shownBefore = false;

/**
 * A page with its heading, which takes the focus when one comes from another page: as soon as it is there, so that it
 * never takes it from a button that someone was quick to reach.
 */
export function Page({ title, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    document.title = `${title} · Insta`;
    if (shownBefore) heading.current?.focus({ preventScroll: true });
    shownBefore = true;
  }, [title]);
  return (
    <div className="page">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </div>
  );
}
