import type { Role } from './role.ts';

/** One path of 16 × 16 for each role. */
const paths: Record<Role, string> = {
  visitor: 'M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M2.5 8h11M8 2.5c-3.4 3.4-3.4 7.6 0 11c3.4-3.4 3.4-7.6 0-11',
  route: 'M3 12V8a3 3 0 0 1 3-3h7M10 2l3 3-3 3',
  api: 'M5.5 4L2 8l3.5 4M10.5 4L14 8l-3.5 4',
  version: 'M8 2l6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3',
  service: 'M2.5 3.5h11v4h-11zM2.5 8.5h11v4h-11zM5 5.5h.5M5 10.5h.5',
  middleware: 'M2 4h12M2 8h12M2 12h12M6 2.5v3M10 6.5v3M5 10.5v3',
  auth: 'M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  plan: 'M2.5 12a5.5 5.5 0 0 1 11 0M8 12l3-4',
  subscription: 'M6.5 9.5l3-3M7 4.5l1.5-1.5a3.2 3.2 0 0 1 4.5 4.5L11.5 9M9 11.5L7.500 13A3.2 3.2 0 0 1 3 8.500L4.500 7',
  application: 'M2.5 2.500h11v11h-11zM2.5 5.500h11',
  secret: 'M5.500 8a2.500 2.500 0 1 0 0 5a2.500 2.500 0 1 0 0-5M7.500 8.500L13 3M11 5l2 2',
  other: 'M4 2h5l3 3v9H4zM9 2v3h3',
};

export function KindIcon({ role }: { role: Role }) {
  return (
    <svg className="kind-icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden focusable="false">
      <path
        d={paths[role]}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.3"
        strokeLinejoin="round"
        strokeLinecap="round"
      />
    </svg>
  );
}
