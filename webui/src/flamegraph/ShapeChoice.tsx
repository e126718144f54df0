import { Segmented } from "../parts/Segmented";
import { useSetting } from "../selection/store";

export const SHAPES = ["icicle", "flame", "table"] as const;

/** Which way round a call tree is, and how it is drawn. */
export function ShapeChoice() {
  const [isInverted, setIsInverted] = useSetting("inverted", "no", ["yes", "no"]);
  const [shape, setShape] = useSetting("shape", "icicle", SHAPES);
  return (
    <>
      <button type="button" className="button" aria-pressed={isInverted === "yes"} onClick={() => setIsInverted(isInverted === "yes" ? "no" : "yes")}>
        Inverted
      </button>
      <Segmented
        label="Shape"
        value={shape}
        onChange={setShape}
        options={[
          { value: "icicle", label: "Icicle" },
          { value: "flame", label: "Flame" },
          { value: "table", label: "Table" },
        ]}
      />
    </>
  );
}
