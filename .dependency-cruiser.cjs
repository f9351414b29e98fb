/**
 * The folder table of ARCHITECTURE.md as rules. dependency-cruiser 18 does not know TypeScript 7, so swc parses.
 * scripts/check.ts fails when no module was cruised: a green run must have looked at something.
 */
const ours = '^(shared|agent|broker|control|main|renderer|cli)/';
const only = (from, may, extra = {}) => ({
  name: `${from}-imports-only-${may.join('-') || 'itself'}`,
  severity: 'error',
  from: { path: `^${from}/`, ...extra },
  to: { path: ours, pathNot: `^(${[from, ...may].join('|')})/` },
});

module.exports = {
  forbidden: [
    only('shared', []),
    only('agent', ['shared']),
    only('broker', ['shared']),
    only('control', ['shared']),
    only('main', ['shared']),
    only('renderer', ['shared']),
    only('cli', ['shared', 'agent', 'broker', 'control', 'main']),
    {
      name: 'electron-only-in-its-shell',
      severity: 'error',
      from: { path: ours, pathNot: '^main/electron/' },
      to: { path: '^electron$|node_modules/electron/' },
    },
    {
      name: 'shared-has-no-server-and-no-interface',
      severity: 'error',
      from: { path: '^shared/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(node:)?(http|https|http2)$|node_modules/(react|react-dom|electron|fastify)/' },
    },
    // Types may refer to each other; what remains at run time may not.
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-tests-from-sources',
      severity: 'error',
      from: { path: ours, pathNot: '\\.test\\.tsx?$|/testing/' },
      to: { path: '\\.test\\.tsx?$|/testing/' },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // swc's walker does not know `using` yet, which only tests have.
    exclude: { path: '^dist/|\\.test\\.tsx?$' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
