export type { Broker, BrokerEvent, BrokerLimits, BrokerOptions, ListenOptions } from './options.ts';
export { startBroker } from './start-broker.ts';
