import { type ReactNode, useEffect, useRef } from "react";

interface PageProps {
  title: string;
  children: ReactNode;
}

/** Set once any page was shown: the first one leaves the focus where the browser put it. */
let shownBefore = false;

/** A page with its heading, which takes the focus when one comes from another page. */
export function Page({ title, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
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
