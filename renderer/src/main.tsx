import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@xyflow/react/dist/base.css';
import './theme/app.css';
import './theme/panels.css';
import './theme/rendered.css';
import { createRoot } from 'react-dom/client';
import { electronBridge } from './bridge/electron-bridge.ts';
import { webBridge } from './bridge/web-bridge.ts';
import { Root } from './root.tsx';
import { useSignedOut } from './bridge/signed-out.tsx';

const bridge = window.adit
  ? electronBridge(window.adit)
  : webBridge(new URL('.', document.baseURI), () => useSignedOut.setState({ signedOut: true }));
const place = document.getElementById('root');
if (place) createRoot(place).render(<Root bridge={bridge} />);
