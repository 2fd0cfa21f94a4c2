/** The button that starts a call. */
export function CallButton({ onClick }: { onClick: () => void }) {
  return (
    <button type="button" className="call-button" onClick={onClick}>
      <PhoneIcon />
      Call
    </button>
  );
}

/** A telephone receiver. */
export function PhoneIcon() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" className="phone-icon">
      <path d="M6.6 3.6 9 3c.6-.1 1.1.2 1.4.7l1.2 2.9c.2.5.1 1-.3 1.4L9.6 9.5a12 12 0 0 0 4.9 4.9l1.5-1.7c.4-.4.9-.5 1.4-.3l2.9 1.2c.5.3.8.8.7 1.4l-.6 2.4c-.3 1.3-1.3 2.1-2.6 2.1C10.6 19.5 4.5 13.4 4.5 6.2c0-1.3.8-2.3 2.1-2.6z" />
    </svg>
  );
}
