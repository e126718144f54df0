/** The scale of the heat maps: from the page's own colour to a strong one, by the logarithm of the value. */

/** Steps of one hue that grow darker on a light page and lighter on a dark one. */
const LIGHT = ["#eaf1fb", "#c9dcf4", "#9cc1ea", "#6aa1dc", "#3f7fc8", "#265fa8", "#17437f", "#0d2c59"] as const;
const DARK = ["#16263d", "#1b3a63", "#22528d", "#2f6fb8", "#4a90d9", "#76b1ea", "#a9d0f5", "#dcedfd"] as const;

/** Values below this share of the greatest are shown as the least. */
const DECADES = 3.5;

export function heatColour(value: number, greatest: number, isDark: boolean): string | null {
  if (value <= 0 || greatest <= 0) {
    return null;
  }
  const steps = isDark ? DARK : LIGHT;
  const share = 1 + Math.log10(value / greatest) / DECADES;
  return steps[Math.min(steps.length - 1, Math.max(0, Math.floor(share * steps.length)))] ?? null;
}

/** The value below which all are shown as the least. */
export function leastOfScale(greatest: number): number {
  return greatest * 10 ** (DECADES * (1 / LIGHT.length - 1));
}

export function heatScale(isDark: boolean): readonly string[] {
  return isDark ? DARK : LIGHT;
}
