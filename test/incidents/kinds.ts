import type { Kind } from "./incident";
import { ofCandidates } from "./ofCandidates";
import { ofSurroundings } from "./ofSurroundings";
import { ofWatchers } from "./ofWatchers";
import type { Scene } from "./scene";

/** Every incident that is known. */
export function kinds(scene: Scene): readonly Kind[] {
  return [...ofCandidates(scene), ...ofWatchers(scene), ...ofSurroundings(scene)];
}
