/** The two channels between preload and main: a call by its name, and the events. */
export const CALL_CHANNEL = 'adit:call';
export const EVENT_CHANNEL = 'adit:event';
