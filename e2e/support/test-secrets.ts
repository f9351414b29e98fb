/** What the parts of a test share; no secret of anybody. */
export const SECRETS = {
  ADIT_ENROLMENT_KEY: 'enrolment-key-of-the-tests',
  ADIT_BROKER_KEY: 'broker-key-of-the-tests',
  ADIT_PEER_SECRET: 'peer-secret-of-the-tests',
  ADIT_AGENT_TOKEN: 'agent-token-of-the-tests',
};
