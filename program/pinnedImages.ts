import { warnOfStack } from "../components/cluster/warning";
import { DigestResolver } from "../components/registry/digestResolver";
import { EdgeConfig } from "../stack/config";
import { pinImages, Pins } from "../stack/render/pinImages";
import { LastState } from "./lastState";

/**
 * What the services run: see {@link pinImages}. Empty with `resolveDigests: false`.
 * @throws ConfigError for images that their registries do not give.
 */
export async function pinnedImages(config: EdgeConfig, state: LastState): Promise<Pins> {
  if (!config.resolveDigests) {
    return {};
  }
  const resolver = new DigestResolver(config.registries);
  const resolve = (image: string): Promise<string> => resolver.resolve(image);
  const { images, warnings } = await pinImages(config, {
    resolve,
    lastServices: () => state.services(),
  });
  for (const warning of warnings) {
    await warnOfStack(warning);
  }
  return images;
}
