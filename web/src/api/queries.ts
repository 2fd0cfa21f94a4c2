/** How answers of the services are kept while the page is open. */
import { Code, ConnectError } from "@connectrpc/connect";
import { QueryClient } from "@tanstack/react-query";

const MAX_RETRIES = 2;

/** A cache of its own. Only failures that pass are tried again. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (failures, error) =>
          failures < MAX_RETRIES && error instanceof ConnectError && error.code === Code.Unavailable,
        // A call may have changed anything since.
        staleTime: 0,
      },
      mutations: { retry: false },
    },
  });
}
