export { restrictedContainer, restrictedPod, restrictedPodOf } from "../cluster/restricted";
