import type { Definition, Schema } from "../data/forms";

/** What can be queried, with the meaning of each column. A click puts the name into the query. */
export function SchemaList({ schema, onInsert }: { schema: Schema | undefined; onInsert: (text: string) => void }) {
  return (
    <aside className="schema" aria-label="Views and macros">
      {schema !== undefined && (
        <>
          <Group title="Views" definitions={schema.views} onInsert={onInsert} />
          <Group title="Macros" definitions={schema.macros} onInsert={onInsert} />
        </>
      )}
    </aside>
  );
}

function Group({ title, definitions, onInsert }: { title: string; definitions: readonly Definition[]; onInsert: (text: string) => void }) {
  return (
    <section>
      <h2>{title}</h2>
      {definitions.map((definition) => (
        <details key={definition.name}>
          <summary title={definition.comment}>
            <code>{definition.signature}</code>
          </summary>
          <p className="quiet">{definition.comment}</p>
          {definition.parameters.length > 0 && (
            <ul>
              {definition.parameters.map(({ name, comment }) => (
                <li key={name} title={comment}>
                  <code>{name} :=</code> <span className="quiet">{comment}</span>
                </li>
              ))}
            </ul>
          )}
          <ul>
            {definition.columns.map(({ name, type, comment }) => (
              <li key={name}>
                <button type="button" title={comment} onClick={() => onInsert(name)}>
                  <code>{name}</code> <span className="quiet">{type}</span>
                </button>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </section>
  );
}
