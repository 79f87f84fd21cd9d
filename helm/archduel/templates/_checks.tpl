{{/* What cannot be installed is refused with a sentence that says what to do. */}}
{{- define "archduel.checks" -}}
{{- $values := .Values -}}
{{- if not (.Capabilities.APIVersions.Has "ray.io/v1") -}}
{{- fail "This cluster does not know KubeRay's RayCluster (ray.io/v1). Install the operator first, from KubeRay's Helm repository: helm install kuberay-operator kuberay/kuberay-operator --version 1.7.0. With `helm template`, add --api-versions ray.io/v1." -}}
{{- end -}}
{{- if and $values.httpRoute.enabled (not (.Capabilities.APIVersions.Has "gateway.networking.k8s.io/v1")) -}}
{{- fail "httpRoute.enabled needs the Gateway API (gateway.networking.k8s.io/v1), which this cluster does not know. Install its resources, or use ingress.enabled." -}}
{{- end -}}
{{- if and $values.monitoring.enabled (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) -}}
{{- fail "monitoring.enabled needs the Prometheus operator (monitoring.coreos.com/v1), which this cluster does not know. Install it, or leave monitoring.enabled false." -}}
{{- end -}}
{{- if and $values.monitoring.enabled (not $values.monitoring.tokenSecret) -}}
{{- fail "monitoring.enabled needs monitoring.tokenSecret: a Secret with a viewer's token, made with `archduel service token add prometheus --role viewer`, because /metrics asks for one." -}}
{{- end -}}
{{- if $values.bundled.postgresql.enabled -}}
{{- if $values.database.host -}}
{{- fail "database.host and bundled.postgresql.enabled exclude each other: set one of them." -}}
{{- end -}}
{{- else -}}
{{- if not $values.database.host -}}
{{- fail "No database: set database.host and database.existingSecret to your PostgreSQL, or bundled.postgresql.enabled=true for a small one to try archduel out." -}}
{{- end -}}
{{- if not $values.database.existingSecret -}}
{{- fail "No password for the database: set database.existingSecret to a Secret that holds it under database.passwordKey." -}}
{{- end -}}
{{- end -}}
{{- if and (hasPrefix "verify-" $values.database.sslmode) (not $values.database.caSecret) -}}
{{- fail (printf "database.sslmode %s needs database.caSecret: a Secret with the certificate of the database's authority under database.caKey." $values.database.sslmode) -}}
{{- end -}}
{{- if $values.bundled.s3.enabled -}}
{{- if or $values.s3.endpoint $values.s3.useServiceAccount -}}
{{- fail "s3.endpoint and s3.useServiceAccount belong to an S3 of yours, bundled.s3.enabled brings one: set one of them." -}}
{{- end -}}
{{- else -}}
{{- if not $values.s3.bucket -}}
{{- fail "No object store: set s3.bucket (and s3.endpoint where it is not Amazon's), or bundled.s3.enabled=true for a small one to try archduel out." -}}
{{- end -}}
{{- if not (or $values.s3.existingSecret $values.s3.useServiceAccount) -}}
{{- fail "No keys for the object store: set s3.existingSecret to a Secret that holds them, or s3.useServiceAccount=true where the ServiceAccount's identity opens the bucket." -}}
{{- end -}}
{{- end -}}
{{- if not $values.secrets.generate -}}
{{- if not $values.api.adminToken.existingSecret -}}
{{- fail "secrets.generate is false: set api.adminToken.existingSecret." -}}
{{- end -}}
{{- if not $values.ray.token.existingSecret -}}
{{- fail "secrets.generate is false: set ray.token.existingSecret to a Secret with the key auth_token." -}}
{{- end -}}
{{- if and $values.bundled.postgresql.enabled (not $values.database.existingSecret) -}}
{{- fail "secrets.generate is false: set database.existingSecret for the bundled PostgreSQL." -}}
{{- end -}}
{{- if and $values.bundled.s3.enabled (not $values.s3.existingSecret) -}}
{{- fail "secrets.generate is false: set s3.existingSecret for the bundled S3." -}}
{{- end -}}
{{- end -}}
{{- if and $values.ray.faultTolerance.enabled (not $values.ray.faultTolerance.redisAddress) -}}
{{- fail "ray.faultTolerance.enabled needs ray.faultTolerance.redisAddress, such as redis://redis:6379." -}}
{{- end -}}
{{- if and $values.ray.queueName $values.ray.autoscaling.enabled -}}
{{- fail "ray.queueName and ray.autoscaling.enabled exclude each other: Kueue admits a RayCluster as a whole and would not see what the autoscaler adds." -}}
{{- end -}}
{{- if and $values.ingress.enabled (not $values.ingress.host) -}}
{{- fail "ingress.enabled needs ingress.host." -}}
{{- end -}}
{{- if and $values.httpRoute.enabled (not (and $values.httpRoute.host $values.httpRoute.gateway)) -}}
{{- fail "httpRoute.enabled needs httpRoute.host and httpRoute.gateway." -}}
{{- end -}}
{{- range $name, $group := $values.ray.workers -}}
{{- $all := mergeOverwrite (deepCopy $values.ray.workerDefaults) (deepCopy ($group | default dict)) -}}
{{- if gt (int $all.minReplicas) (int $all.maxReplicas) -}}
{{- fail (printf "ray.workers.%s: minReplicas (%d) is above maxReplicas (%d)." $name (int $all.minReplicas) (int $all.maxReplicas)) -}}
{{- end -}}
{{- if not (and $all.resources.limits (hasKey $all.resources.limits "memory") (hasKey $all.resources.limits "cpu")) -}}
{{- fail (printf "ray.workers.%s: resources.limits needs cpu and memory; Ray counts its places by them." $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
