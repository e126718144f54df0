import { COMMANDS } from "./commands";

/** The start page, until `memlyze serve` brings the timeline. */
export function App() {
  return (
    <main>
      <h1>memlyze</h1>
      <p className="lead">
        Where the memory of a Python program goes, what never comes back, and what still holds it.
      </p>
      <section aria-labelledby="now">
        <h2 id="now">On the command line, now</h2>
        <dl>
          {COMMANDS.map(({ purpose, line }) => (
            <div key={line}>
              <dt>{purpose}</dt>
              <dd>
                <code>{line}</code>
              </dd>
            </div>
          ))}
        </dl>
      </section>
      <section aria-labelledby="later">
        <h2 id="later">On this page, in a later release</h2>
        <p>
          The interactive timeline comes with <code>memlyze serve</code>: zoom into a moment, see what was
          alive, and which line put it there.
        </p>
      </section>
    </main>
  );
}
