/** The product's sign and name. */
export function Brand() {
  return (
    <>
      <img src="/icon.svg" alt="" width="28" height="28" />
      Insta
    </>
  );
}
