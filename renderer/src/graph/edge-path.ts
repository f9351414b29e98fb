import type { Point } from './layout-graph.ts';

/** An SVG path through the corners, each rounded by at most `radius`. */
export function edgePath(points: readonly Point[], radius = 5): string {
  const [first, ...rest] = points;
  if (!first) return '';
  const parts = [`M${first.x} ${first.y}`];
  for (const [at, point] of rest.entries()) {
    const before = points[at];
    const after = rest[at + 1];
    if (!before || !after) {
      parts.push(`L${point.x} ${point.y}`);
      continue;
    }
    const enter = towards(point, before, radius);
    const leave = towards(point, after, radius);
    parts.push(`L${enter.x} ${enter.y}`, `Q${point.x} ${point.y} ${leave.x} ${leave.y}`);
  }
  return parts.join('');
}

function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  if (length === 0) return from;
  const share = Math.min(distance, length / 2) / length;
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}
