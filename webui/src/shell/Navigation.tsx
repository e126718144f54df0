import { ChartArea, Database, FileCode2, Flame, GitCompareArrows, Grid3x3, Info, ListOrdered, Droplets, AppWindow, type LucideIcon } from "lucide-react";

import { VIEWS, type View } from "../selection/selection";
import { linkTo, useSelection } from "../selection/store";

export const VIEW_TITLES: Record<View, string> = {
  timeline: "Timeline",
  flamegraph: "Flame graph",
  heatmap: "Heat map",
  hotspots: "Hotspots",
  source: "Source",
  leaks: "Leaks",
  windows: "Windows",
  compare: "Compare",
  sql: "SQL",
  info: "Info",
};

const ICONS: Record<View, LucideIcon> = {
  timeline: ChartArea,
  flamegraph: Flame,
  heatmap: Grid3x3,
  hotspots: ListOrdered,
  source: FileCode2,
  leaks: Droplets,
  windows: AppWindow,
  compare: GitCompareArrows,
  sql: Database,
  info: Info,
};

export function Navigation() {
  const { view } = useSelection();
  return (
    <nav className="nav" aria-label="Views">
      <ul>
        {VIEWS.map((name) => {
          const Icon = ICONS[name];
          return (
            <li key={name}>
              <a href={linkTo({ view: name })} aria-current={name === view ? "page" : undefined}>
                <Icon size={16} strokeWidth={1.8} aria-hidden="true" />
                {VIEW_TITLES[name]}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
