import { Button, Loader, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useApp } from '../app-context.tsx';
import { FailureNote } from '../notice/failure-note.tsx';
import { moveInList } from '../tree/move-in-list.ts';

/** Chooses a folder of the machine that the application runs on. */
export function FolderBrowser({ onDir }: { onDir: (dir: string) => void }) {
  const { bridge } = useApp();
  const [dir, setDir] = useState<string | undefined>(undefined);
  const [typed, setTyped] = useState('');
  const query = useQuery({
    queryKey: ['browse', dir],
    queryFn: ({ signal }) => bridge.call('workspaceBrowse', dir === undefined ? {} : { dir }, signal),
    placeholderData: (before) => before,
  });
  const answer = query.data;
  const here = answer?.ok ? answer.value : undefined;

  useEffect(() => {
    if (!here) return;
    setTyped(here.dir);
    onDir(here.dir);
    // `onDir` may be a new function each time; what counts is the folder.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [here?.dir]);

  return (
    <div className="folder-browser">
      <form
        className="row-actions"
        onSubmit={(event) => {
          event.preventDefault();
          setDir(typed);
        }}
      >
        <TextInput
          className="grow"
          aria-label="Folder"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          classNames={{ input: 'mono' }}
        />
        <Button type="submit">Go</Button>
        <Button disabled={!here || here.parent === null} onClick={() => setDir(here?.parent ?? undefined)}>
          Up
        </Button>
      </form>
      {query.isPending && <Loader size="sm" aria-label="Reading the folder" />}
      {answer && !answer.ok && <FailureNote failure={answer.error} />}
      {here && (
        <ul className="plain-list scroll folder-list" aria-label="Folders" onKeyDown={moveInList}>
          {here.folders.length === 0 && <li className="dim padded">No folders in here.</li>}
          {here.folders.map((folder) => (
            <li key={folder}>
              <button
                type="button"
                className="list-row"
                onClick={() => setDir(joinPath(here.dir, folder))}
                title={folder}
              >
                <span aria-hidden className="dim">
                  ›
                </span>
                <span className="ellipsis">{folder}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** The application may answer with names or with whole paths. */
function joinPath(dir: string, folder: string): string {
  if (/^([\\/]|[A-Za-z]:)/.test(folder)) return folder;
  const separator = dir.includes('\\') ? '\\' : '/';
  return dir.endsWith(separator) ? dir + folder : dir + separator + folder;
}
