import { serve } from "../server";
import { kubernetesProvider } from "./provider";

serve(kubernetesProvider);
