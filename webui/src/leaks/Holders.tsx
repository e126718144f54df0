/** Who holds it; filled once it is known what `holders` says. */
export function Holders({ holders }: { holders: unknown }) {
  return holders === null || holders === undefined ? (
    <p className="quiet">Who holds it is not known: the trace has no checkpoint of the heap.</p>
  ) : null;
}
