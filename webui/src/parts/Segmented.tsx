import { useId } from "react";

export interface Option<T extends string> {
  readonly value: T;
  readonly label: string;
  /** Why it cannot be chosen now. */
  readonly disabled?: string | undefined;
}

/** One of a few, side by side: a radio group. */
export function Segmented<T extends string>({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: readonly Option<T>[];
  value: T;
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <div className="segments" role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option.value} title={option.disabled}>
          <input
            type="radio"
            name={name}
            checked={option.value === value}
            disabled={option.disabled !== undefined}
            onChange={() => onChange(option.value)}
          />
          {option.label}
        </label>
      ))}
    </div>
  );
}

/** One of several, in a menu, with its name before it. */
export function Choice<T extends string>({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: readonly Option<T>[];
  value: T;
  onChange: (value: T) => void;
}) {
  return (
    <label className="field">
      {label}
      <select className="select" value={value} onChange={(event) => onChange(event.target.value as T)}>
        {options.map((option) => (
          <option key={option.value} value={option.value} disabled={option.disabled !== undefined}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}
