import { fail } from '../../shared/result/result.ts';
import type { Failure, Result } from '../../shared/result/result.ts';

/** Codes of `main/kube/`; each hint says what to do next. */
const hints = {
  'kube-config-unreadable': 'Check the file with: kubectl config view',
  'kube-context-unknown': 'Choose a context of the list, or look at: kubectl config get-contexts',
  'kube-config-invalid': 'Correct the entry in the kubeconfig file, then connect again.',
  'kube-exec-failed': 'Run the command in a terminal. If it works there, its folder is missing from the PATH above.',
  'kube-unreachable': 'Check that the cluster runs and that a VPN or proxy it needs is on, then connect again.',
  'kube-tls': 'The certificate authority in the kubeconfig does not fit the server. Fetch the kubeconfig anew.',
  'kube-timeout': 'Check that a VPN or proxy the cluster needs is on, then connect again.',
  'kube-unauthorized': 'The credentials are missing or expired. Log in again, then connect.',
  'kube-forbidden': 'Ask an administrator of the cluster for the right named in the message.',
  'kube-server': 'The words of the server say what it refused.',
  'kube-answer': 'Is the server of this context a Kubernetes API server?',
  'kube-not-connected': 'Choose a context first.',
  'kube-object-unknown': 'The object is neither in the files nor in the cluster; refresh the list.',
  'kube-cancelled': 'Start it again when wanted.',
} as const;

export type KubeErrorCode = keyof typeof hints;

export function kubeFailure(code: KubeErrorCode, message: string, detail?: string, hint?: string): Failure {
  return { code, message, hint: hint ?? hints[code], ...(detail === undefined ? {} : { detail }) };
}

export function kubeFail(code: KubeErrorCode, message: string, detail?: string, hint?: string): Result<never> {
  return fail(code, message, { hint: hint ?? hints[code], ...(detail === undefined ? {} : { detail }) });
}
